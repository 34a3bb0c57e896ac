import type { EngineUsage } from './engine';
import { isObject } from './request-body';

/**
 * What a stream has used at least, where each of its events holds one token or several: for engines that count in their
 * last words alone, of which a client who leaves before those has had the answer all the same.
 */
export class DeliveredTokens {
    /** By choice, what its last event said. */
    private readonly kinds = new Map<unknown, Kind>();
    private events = 0;

    /** @param promptTokens as the model's tokenizer counts them; without it no more is known than that there was a prompt */
    constructor(private readonly promptTokens = 1) {}

    add({ choices }: Record<string, unknown>): void {
        if (!Array.isArray(choices)) return;
        for (const choice of choices) {
            if (isObject(choice)) this.addChoice(choice);
        }
    }

    get value(): EngineUsage {
        const { promptTokens, events: completionTokens } = this;
        return { promptTokens, cachedPromptTokens: 0, completionTokens, reasoningTokens: 0 };
    }

    /** One token may end what was thought and begin what is said, in two events: the first of another kind counts nothing. */
    private addChoice(choice: Record<string, unknown>): void {
        const kind = kindOf([choice.delta, choice].find(isObject)!);
        if (kind === undefined) return;
        const before = this.kinds.get(choice.index) ?? kind;
        this.kinds.set(choice.index, kind);
        if (kind === before) this.events += 1;
    }
}

type Kind = 'said' | 'thought' | 'called';

function kindOf(said: Record<string, unknown>): Kind | undefined {
    if (isText(said.content) || isText(said.text)) return 'said';
    if (isText(said.reasoning_content) || isText(said.reasoning)) return 'thought';
    const { tool_calls: calls } = said;
    if (!Array.isArray(calls) || calls.length === 0) return undefined;
    // One that is named begins, perhaps with the token that ended the one before it.
    return calls.every((call) => isObject(call) && isObject(call.function) && call.function.name === undefined)
        ? 'called'
        : undefined;
}

const isText = (value: unknown) => typeof value === 'string' && value !== '';
