import { CoordinationError } from '@odradek/core/ports/coordination.ts';

export const ROOT = '/';

export function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end === 0 ? ROOT : path.slice(0, end);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * ZooKeeper's rules for paths (PathUtils): absolute, no empty, "." or ".." parts, no control characters.
 * @param isPrefix the last part is completed by a number, and may be empty
 * @throws CoordinationError BADARGUMENTS
 */
export function checkPath(path: string, operation: number | null, isPrefix: boolean): void {
  if (path === ROOT && !isPrefix) return;
  const parts = path.split('/');
  const last = parts.length - 1;
  const good =
    path.startsWith('/') &&
    // oxlint-disable-next-line no-control-regex -- these are what ZooKeeper refuses
    !/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path) &&
    parts.every(
      (part, i) => i === 0 || (part !== '.' && part !== '..' && (part !== '' || (isPrefix && i === last))),
    );
  if (good) return;
  throw new CoordinationError('BADARGUMENTS', path, {
    message: `"${path}" is not a path: it must start with "/" and have no empty, "." or ".." part`,
    ...(operation === null ? {} : { operation }),
  });
}
