// SPDX-License-Identifier: MIT
import "./mantine.css";
import "uplot/dist/uPlot.min.css";
import "./theme.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { fetchPage } from "./shell/menu";

fetchPage(location.pathname);
createRoot(document.getElementById("root")!).render(<App />);
