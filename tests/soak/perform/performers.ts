import { Operation } from '../operation';
import { World } from '../world';

type Of<Name extends Operation['do']> = Extract<Operation, { do: Name }>;

/** How each operation is done: mostly a message that is put on its way. */
export type Performers = { [Name in Operation['do']]: (world: World, operation: Of<Name>) => Promise<void> };
