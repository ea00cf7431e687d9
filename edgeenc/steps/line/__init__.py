"""What the kinds of steps share: what a kind is, the plan that is made of them, a step at work, what all add up to."""
