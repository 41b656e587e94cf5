"""Who may see what: roles, viewers, masking."""
