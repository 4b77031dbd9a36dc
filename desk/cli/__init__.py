"""The command line: a module a command, each a function of the command's name."""
