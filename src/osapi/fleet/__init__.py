"""The agents of the fleet: what they tell of themselves, which are ready, and whom a target means.

Knows nothing of jobs. Who writes the records is `osapi.agent`; who reads them is the controller.
"""
