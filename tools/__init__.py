"""Programs for the work on this repository; no part of the product."""
