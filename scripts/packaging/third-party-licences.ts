import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './places.ts';

const IN_A_PACKAGE = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * The words under which the code of others may be passed on, which have to go with it.
 *
 * @param inputs the files that were bundled, from the root on
 * @throws Error when a package comes without its licence
 */
export function licencesOf(inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => IN_A_PACKAGE.exec(path)?.[1] ?? []));
  return [...folders]
    .toSorted()
    .map((folder) => {
      const [licence] = globSync('LICEN[CS]E*', { cwd: join(ROOT, folder) });
      if (licence === undefined) throw new Error(`${folder} is bundled and comes without its licence`);
      const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
      };
      return `${name} ${version}\n\n${readFileSync(join(ROOT, folder, licence), 'utf8').trim()}\n`;
    })
    .join('\n----\n\n');
}
