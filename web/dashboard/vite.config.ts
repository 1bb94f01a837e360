// SPDX-License-Identifier: MIT
import react from "@vitejs/plugin-react";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig, type Plugin } from "vite";

// The development server shows a cluster that runs: its gateway, as who owns
// the token, if there is one.
const gateway = process.env.SWITCHYARD_URL ?? "http://127.0.0.1:8080";
const token = process.env.SWITCHYARD_TOKEN;
const proxy = {
	target: gateway, secure: false, ws: true,
	headers: token ? { Authorization: `Bearer ${token}` } : {},
};

/** A component of the library whose styles src/mantine.css has not, would look
 * broken: the build says so instead. */
function styles(): Plugin {
	const dir = dirname(createRequire(import.meta.url)
		.resolve("@mantine/core/styles.css"));
	const known = readFileSync(new URL("src/mantine.css", import.meta.url),
		"utf8");

	return { name: "styles", enforce: "pre", transform(code, id) {
		if (!id.endsWith(".tsx"))
			return;
		const names = /import \{([^}]*)\}\s*from "@mantine\/core"/.exec(code)
			?.[1]!.match(/\w+/g) ?? [];

		for (const name of names)
			if (!known.includes(`/${name}.css`) &&
				existsSync(join(dir, `styles/${name}.css`)))
				this.error(`src/mantine.css lacks ${name}.css`);
	} };
}

export default defineConfig({
	plugins: [styles(), react()],
	// Its sources: what only the phone needs comes with the phone.
	resolve: { alias: { "@switchyard/sdk":
		new URL("../sdk/src/index.ts", import.meta.url).pathname } },
	build: {
		outDir: process.env.SY_WEB_OUT ?? "../../build/web/dist",
		emptyOutDir: true,
		target: "es2022",
		// The policy of the gateway allows files of its own, no data: URIs.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 700,
	},
	server: {
		proxy: {
			"/api": proxy,
			"/ws": proxy,
			"/sdk": proxy,
		},
	},
});
