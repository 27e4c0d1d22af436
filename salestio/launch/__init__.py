"""What stands behind `./run`: starting, watching and ending the processes of one machine. Not used in production."""
