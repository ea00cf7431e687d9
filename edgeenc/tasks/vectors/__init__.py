"""What sentence vectors are worth: ranks beside a teacher's, a probe on labels, searches across languages."""
