import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namingModules } from './module-names.ts';
import { PACKAGES_DIRECTORY, ROOT, TYPES_DIRECTORY } from './places.ts';
import { MODULES_FOLDER } from './published-manifest.ts';
import type { SourcePackage } from './source-packages.ts';

/** The declarations of packages beside their modules. @throws Error when the compiler finds something wrong */
export function buildTypes(packages: readonly SourcePackage[]): void {
  rmSync(TYPES_DIRECTORY, { recursive: true, force: true });
  execFileSync('tsc', ['-p', join(import.meta.dirname, 'tsconfig.types.json'), '--outDir', TYPES_DIRECTORY], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  for (const { folder } of packages) {
    const declared = join(TYPES_DIRECTORY, folder, 'src');
    for (const file of globSync('**/*.d.ts', { cwd: declared })) {
      const path = join(PACKAGES_DIRECTORY, folder, MODULES_FOLDER, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, namingModules(readFileSync(join(declared, file), 'utf8')));
    }
  }
}
