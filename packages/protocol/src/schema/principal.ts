import { field, message } from './notation.ts';

export const defaultPrincipalDataSchema = message('DefaultPrincipalData', {
  versions: '0',
  flexible: '0+',
  fields: [field('type', 'string'), field('name', 'string'), field('tokenAuthenticated', 'bool')],
});
