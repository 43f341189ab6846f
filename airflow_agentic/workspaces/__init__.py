"""Where a change is tried; `validate` demands red before and green after."""
