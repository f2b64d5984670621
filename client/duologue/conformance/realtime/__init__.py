"""Rules of Socket.IO."""
