/** What a broker's error code carries; told by shape, so that `start` need not load the protocol for it. */
interface CodedError extends Error {
  readonly codeName?: unknown;
}

/** One line that says what went wrong, whatever was thrown. */
export function failureLine(thrown: unknown): string {
  if (!(thrown instanceof Error)) return oneLine(String(thrown));
  const { codeName } = thrown as CodedError;
  const message = oneLine(thrown.message === '' ? thrown.name : thrown.message);
  return typeof codeName === 'string' && !message.includes(codeName) ? `${message} (${codeName})` : message;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}
