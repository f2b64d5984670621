/** What went wrong with a call to the chat service; status 0 is no answer at all. */
export class APIError extends Error {
  constructor(message, status, data) {
    super(message);
    this.name = 'APIError';
    this.status = status;
    this.data = data;
  }

  isServerError() {
    return this.status >= 500;
  }

  isRetryable() {
    return this.isServerError() || this.status === 0;
  }
}

export function toAPIError(error) {
  if (!error.response) return new APIError(error.message, 0);
  const { status, data } = error.response;
  return new APIError(data?.message ?? error.message, status, data);
}

const WORDS = {
  401: 'Please log in again',
  403: 'You may not do that',
  404: 'It is not there',
  409: 'Somebody else was faster',
  429: 'Too many requests, wait a moment',
};

/** What to show to the person in front of the screen. */
export function messageFor(error) {
  if (error.isServerError()) return 'The server has a problem, try again later';
  return WORDS[error.status] ?? error.message;
}
