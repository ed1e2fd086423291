"""Two small applications that use Poolhouse: a web app that signs people in, and the API that it calls for them."""
