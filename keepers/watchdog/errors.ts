import { CocoonError } from '../base';

/** Somebody was first: nothing is sent. */
export class ActDoneError extends CocoonError<'act_done'> {
    constructor(kind: string) {
        super('act_done', `Somebody was first: ${kind} has nothing left to do`, { action: 'retry' });
    }
}
