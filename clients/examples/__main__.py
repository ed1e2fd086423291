"""`python -m clients.examples` starts the demo server and both examples."""

from clients.examples.run import main

main()
