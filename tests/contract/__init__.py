"""What every server of the contract must do, said over bare HTTP and Socket.IO."""
