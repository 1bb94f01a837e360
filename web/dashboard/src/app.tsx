// SPDX-License-Identifier: MIT
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useEffect } from "react";
import { Problem } from "./api/client";
import { Login } from "./pages/login/login";
import { Boundary } from "./parts/boundary";
import { Loading } from "./parts/states";
import { SessionProvider, useSession } from "./session";
import { afterPaint, Shell } from "./shell/parts";
import { theme } from "./theme";
import "./parts/parts.css";

// What is refused stays refused: only what may pass is tried again.
const passes = (e: unknown) =>
	!(e instanceof Problem) || e.status === 0 || e.status >= 500;

const client = new QueryClient({
	defaultOptions: {
		queries: {
			retry: (n, e) => passes(e) && n < 2,
			retryDelay: 1000,
			networkMode: "always",
		},
		mutations: { networkMode: "always" },
	},
});

export function App() {
	return <MantineProvider theme={theme} defaultColorScheme="auto"
		withCssVariables={false} withGlobalClasses={false}>
		<QueryClientProvider client={client}>
			<SessionProvider><Gate /></SessionProvider>
		</QueryClientProvider>
	</MantineProvider>;
}

function Gate() {
	const { session, pending, error } = useSession();

	// Who logs in finds the rest here already.
	useEffect(() => { if (!pending && !session) return afterPaint(); },
		[pending, !session]); // eslint-disable-line
	if (pending)
		return <Loading what="Asking who you are" />;
	return session ? <Boundary what="The dashboard" className="sy-alone">
		<Suspense fallback={<Loading />}><Shell /></Suspense>
	</Boundary> : <Login error={error} />;
}
