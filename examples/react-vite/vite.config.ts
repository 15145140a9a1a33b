import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// npm run dev serves the page, and passes on what is for the Go server: polls and WebSockets.
// The host stays as the browser has it, so that the server sees a page of its own origin.
export default defineConfig({
  plugins: [react()],
  server: {
    proxy: {
      "/socket.io": { target: process.env.SERVER ?? "http://localhost:3000", ws: true, changeOrigin: false },
    },
  },
});
