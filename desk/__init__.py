"""What people start: the commands, the web server, the supervisor; and the demo."""
