// SPDX-License-Identifier: MIT
import "./mantine.css";
import "uplot/dist/uPlot.min.css";
import "./theme.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { wasHere } from "./session";
import { fetchPage } from "./shell/menu";
import { fetchShell } from "./shell/parts";

// Beside the question who is there: most often it is who was there before.
if (wasHere()) {
	fetchShell();
	fetchPage(location.pathname);
}
createRoot(document.getElementById("root")!).render(<App />);
