"""What a sweep and a lone trial do on the command line."""
