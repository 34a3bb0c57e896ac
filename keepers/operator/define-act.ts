import { z } from 'zod';
import type { ActPlan } from './act';
import type { OperatorContext } from './context';
import { OperatorError } from './errors';

/** An act: called with its arguments it looks at the chain and plans, nothing more. */
export interface Act<Args extends z.ZodObject = z.ZodObject, Result = unknown> {
    (context: OperatorContext, args: z.input<Args>): Promise<ActPlan<Result>>;
    /** "open-escrow" */
    readonly actName: string;
    /** One line for people. */
    readonly purpose: string;
    readonly args: Args;
}

export function defineAct<Args extends z.ZodObject, Result>(definition: {
    name: string;
    purpose: string;
    args: Args;
    plan(this: void, context: OperatorContext, args: z.output<Args>): Promise<ActPlan<Result>>;
}): Act<Args, Result> {
    const { name, purpose, args, plan } = definition;
    const act = async (context: OperatorContext, given: z.input<Args>) =>
        plan(context, parseArguments(name, args, given));
    return Object.assign(act, { actName: name, purpose, args });
}

/** @throws OperatorError `argument_invalid` that names every argument at fault */
export function parseArguments<Schema extends z.ZodType>(
    name: string,
    schema: Schema,
    given: unknown,
): z.output<Schema> {
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    const faults = parsed.error.issues.map(({ path, message }) =>
        path.length > 0 ? `${path.join('.')}: ${message}` : message,
    );
    throw new OperatorError('argument_invalid', `${name}: ${faults.join('; ')}`);
}
