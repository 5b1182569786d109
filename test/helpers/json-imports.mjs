/** Lets packages that were made for bundlers import JSON without saying so: node --import ./json-imports.mjs */
import { registerHooks } from 'node:module';

registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
});
