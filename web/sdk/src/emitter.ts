// SPDX-License-Identifier: MIT
// Events with names and types.

type Handler<A extends unknown[]> = (...args: A) => void;

export class Emitter<Events extends Record<keyof Events, unknown[]>> {
	private handlers = new Map<keyof Events, Set<Handler<never>>>();

	/** Be told of an event; the result ends that. */
	on<K extends keyof Events>(name: K, handler: Handler<Events[K]>) {
		let set = this.handlers.get(name);

		if (!set)
			this.handlers.set(name, set = new Set());
		set.add(handler as Handler<never>);
		return () => this.off(name, handler);
	}

	off<K extends keyof Events>(name: K, handler: Handler<Events[K]>) {
		this.handlers.get(name)?.delete(handler as Handler<never>);
	}

	/** Be told of the next one only. */
	once<K extends keyof Events>(name: K, handler: Handler<Events[K]>) {
		const stop = this.on(name, (...args) => {
			stop();
			handler(...args);
		});

		return stop;
	}

	// A handler that throws must not keep others from being told.
	protected emit<K extends keyof Events>(name: K, ...args: Events[K]) {
		for (const handler of [...this.handlers.get(name) ?? []]) {
			try {
				(handler as Handler<Events[K]>)(...args);
			} catch (e) {
				console.error(`switchyard: handler of "${
					String(name)}"`, e);
			}
		}
	}
}
