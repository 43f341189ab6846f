"""What fixers share: a failure and its repository as they read it, and the pieces that a change is made of."""
