"""The desk in the browser: pages with forms, served on an address of their own."""
