"""`python -m clients.examples` starts the demo server and the examples."""

from clients.examples.run import main

main()
