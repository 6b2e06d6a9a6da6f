"""What several questions need: was tacrolimus stopped and how, why it was given, has the disease flared, what may be offered."""
