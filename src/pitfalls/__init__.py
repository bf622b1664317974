"""Two training bugs that raise no error: a lab that reproduces them, a guard that catches them."""
