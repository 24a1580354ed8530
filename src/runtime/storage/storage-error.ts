// The error of everything that keeps data.

/** The disk, or what lies on it, did not do what was asked: with words for whoever runs the server. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}
