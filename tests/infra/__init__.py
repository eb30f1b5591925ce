"""What AWS is told, judged by the templates alone."""
