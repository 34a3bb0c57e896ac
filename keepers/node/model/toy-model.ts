import { join } from 'node:path';

/** The model the project trained itself, for demonstrations and tests; see README.md beside it. */
export const TOY_MODEL_PATH = join(__dirname, 'cocoon-toy.gguf');
export const TOY_MODEL_ID = 'cocoon-toy';
