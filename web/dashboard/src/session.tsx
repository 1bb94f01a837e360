// SPDX-License-Identifier: MIT
//
// Who is logged in, and what he may do.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect }
	from "react";
import { call, Problem, setCsrfToken, setUnauthorized } from "./api/client";
import { feed } from "./api/feed";
import { forgetOthers } from "./phone/kept";

export interface Session {
	user: string;
	displayName: string;
	role: string;
	scopes: string[];
	device: string;
	csrfToken: string;
	expiresAt?: string;
}

interface Who {
	session?: Session;
	pending: boolean;
	error: Problem | null;
	login(user: string, password: string): Promise<void>;
	logout(): Promise<void>;
	may(scope: string): boolean;
}

const Context = createContext<Who>(null!);

export const useSession = () => useContext(Context);

const HERE = "sy-here";

/** Whether somebody was logged in when this browser had the page last: a
 * guess, of what to fetch first. */
export function wasHere(): boolean {
	try {
		return localStorage.getItem(HERE) === "1";
	} catch {
		return false;
	}
}

function remember(here: boolean) {
	try {
		localStorage.setItem(HERE, here ? "1" : "0");
	} catch {
		// Then it is fetched later.
	}
}

async function ask(): Promise<Session | null> {
	try {
		return await call<Session>("GET", "/api/session", { quiet: true });
	} catch (e) {
		if (e instanceof Problem && e.status === 401)
			return null;
		// The development server may add a token to each request.
		if (import.meta.env.DEV && e instanceof Problem && e.status === 404)
			return { user: "token", displayName: "", role: "ADMIN",
				scopes: ["*"], device: "", csrfToken: "" };
		throw e;
	}
}

export function SessionProvider({ children }: { children: ReactNode }) {
	const client = useQueryClient();
	const { data, isPending, error } = useQuery({
		queryKey: ["session"], queryFn: ask, retry: 1,
		staleTime: 60_000, refetchInterval: 300_000,
	});

	setCsrfToken(data?.csrfToken ?? "");
	useEffect(() => {
		setUnauthorized(() => client.setQueryData(["session"], null));
	}, [client]);
	// The gateway ends the feed when the session has ended.
	useEffect(() => feed.connection.on("state", (state) => {
		if (state === "refused")
			void client.invalidateQueries({ queryKey: ["session"] });
	}), [client]);
	const user = data?.user;
	useEffect(() => {
		if (isPending || data === undefined)
			return;
		remember(!!user);
		try {
			forgetOthers(user ?? "", sessionStorage);
		} catch {
			// Then the tab keeps nothing.
		}
	}, [user, isPending, data]);
	useEffect(() => {
		if (!user)
			return;
		feed.start();
		return () => feed.stop();
	}, [user]);

	// What the one before has seen is not for the next one.
	const become = (session: Session | null) => {
		client.removeQueries({ predicate: (q) => q.queryKey[0] !== "session" });
		client.setQueryData(["session"], session);
	};

	const who: Who = {
		session: data ?? undefined,
		pending: isPending,
		error: data === undefined ? error as Problem | null : null,
		async login(name, password) {
			const session = await call<Session>("POST", "/api/session",
				{ body: { user: name, password }, quiet: true });
			become(session);
		},
		async logout() {
			await call("DELETE", "/api/session", { quiet: true })
				.catch(() => {});
			become(null);
		},
		may: (scope) => may(data?.scopes ?? [], scope),
	};
	return <Context value={who}>{children}</Context>;
}

function may(scopes: string[], scope: string): boolean {
	return scope === "" || scopes.includes("*") || scopes.includes(scope);
}

/** The least role that has a scope, for people. */
export function roleFor(scope: string): string {
	const own = ["users", "tokens", "audit", "config", "webhooks"];
	const [what, how] = scope.split(":");

	return own.includes(what!) && (how === "write" || what !== "config" &&
		what !== "webhooks") ? "administrator" : "operator";
}
