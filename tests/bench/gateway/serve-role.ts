export type Answers = Record<string, (settings: never) => unknown>;

interface Question {
    id: number;
    ask: string;
    settings: unknown;
}

/** The child's end of the channel: answers questions by name, and ends when whoever started it is gone. */
export function serveRole(answers: Answers): void {
    process.on('message', (question: Question) => {
        const answer = answers[question.ask];
        if (answer !== undefined) void reply(question, answer);
    });
    process.once('disconnect', () => process.exit());
}

async function reply({ id, settings }: Question, answer: Answers[string]): Promise<void> {
    try {
        process.send!({ id, answer: await answer(settings as never) });
    } catch (error) {
        process.send!({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
}
