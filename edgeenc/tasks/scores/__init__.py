"""What predictions are worth: metrics, their intervals, and the one scorer that makes them."""
