"""What the model may call while it investigates. Each declares its effect: READ or WORKSPACE, nothing more exists."""
