"""The command line: one module a group of commands, each with `add`, which registers them."""
