"""The mock backend: both services and their Socket.IO events, stateful, on your machine."""
