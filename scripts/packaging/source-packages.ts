import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from './places.ts';

/** What the manifest of one of our packages says. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly type: 'module';
  readonly engines: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>;
}

/** A package as it stands in the workspace. */
export interface SourcePackage {
  /** Below `packages/`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Run, not imported: published as a bundle. */
  readonly isProgram: boolean;
}

/** All packages of `packages/`, in the order of their names. */
export function sourcePackages(): readonly SourcePackage[] {
  return globSync('packages/*/package.json', { cwd: ROOT })
    .toSorted()
    .map((path) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Manifest;
      return { folder: basename(dirname(path)), manifest, isProgram: manifest.bin !== undefined };
    });
}
