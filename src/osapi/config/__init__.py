"""Settings: what they mean, where they come from and where OSAPI keeps its files.

`load.load` reads them, `settings.Settings` is what every program is handed, `paths.paths` names the
files, `client` is the small part that `osapi client` needs and costs next to nothing to import.
"""
