/** What went wrong with a call to the platform, in the front end's words. */
export class APIError extends Error {
  constructor({ type, message, code, details, statusCode }) {
    super(message);
    this.name = 'APIError';
    this.type = type;
    this.code = code;
    this.details = details;
    this.statusCode = statusCode;
  }
}

const TYPE_OF_STATUS = {
  400: 'VALIDATION_ERROR',
  401: 'AUTHENTICATION_ERROR',
  403: 'AUTHORIZATION_ERROR',
  404: 'NOT_FOUND_ERROR',
};

const WORDS = {
  NETWORK_ERROR: 'You seem to be offline.',
  TIMEOUT_ERROR: 'That took too long.',
  VALIDATION_ERROR: 'Something in the form is not right.',
  AUTHENTICATION_ERROR: 'Please log in.',
  AUTHORIZATION_ERROR: 'You may not do that.',
  NOT_FOUND_ERROR: 'It is not there (any more).',
  SERVER_ERROR: 'The server has a problem.',
};

/** Turn what axios rejects with into an `APIError`, reading `message`, `code` and `details` of the body. */
export function toApiException(error) {
  if (error.response) {
    const { status, data } = error.response;
    return new APIError({
      type: TYPE_OF_STATUS[status] ?? 'SERVER_ERROR',
      message: data?.message ?? error.message,
      code: data?.code,
      details: data?.details,
      statusCode: status,
    });
  }
  if (error.code === 'ECONNABORTED') {
    return new APIError({ type: 'TIMEOUT_ERROR', message: error.message });
  }
  return new APIError({ type: error.request ? 'NETWORK_ERROR' : 'UNKNOWN_ERROR', message: error.message });
}

/** What to show to the person in front of the screen; a validation error explains itself. */
export function messageFor(exception) {
  const own = exception.type === 'VALIDATION_ERROR' ? exception.details?.message : undefined;
  return own ?? WORDS[exception.type] ?? 'Something unexpected happened.';
}
