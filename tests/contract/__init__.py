"""What every server must do by the contract, tested over bare HTTP and Socket.IO."""
