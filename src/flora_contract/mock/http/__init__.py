"""How the mock is asked: HTTP on a socket, or ASGI."""
