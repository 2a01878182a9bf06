import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
/** What is published, a folder each. */
export const PACKAGES_DIRECTORY = join(DIST, 'packages');
export const TARBALLS_DIRECTORY = join(DIST, 'tarballs');
/** Declarations as the compiler leaves them. */
export const TYPES_DIRECTORY = join(DIST, 'types');
