"""`brainalign dashboard`: look at running and finished studies in a browser."""

import signal
import webbrowser
from typing import Annotated

import typer

from brainalign.cli.options import DEFAULT_STORE, StoreOption, open_store
from brainalign.cli.output import console, notes

app = typer.Typer(add_completion=False, help="Look at running and finished studies in a browser.")


@app.command()
def dashboard(
    store: StoreOption = DEFAULT_STORE,
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback reach it then.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0 takes a free one.")] = 0,
    mlflow: Annotated[
        str | None,
        typer.Option(help="MLflow server to link trials to, as `brainalign mlflow` prints it."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """Serve the dashboard of a store on loopback and print its address; the store is only read.

    Needs `pip install 'brainalign[dashboard]'`.

    Example: brainalign dashboard --port 8501
    """
    from brainalign.dashboards.server import serve
    from brainalign.servers import LOOPBACK

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    served = serve(
        open_store(store), host=host, port=port, mlflow=None if mlflow is None else mlflow.partition("/#")[0]
    )
    try:
        console.print(f"dashboard: {served.url}", soft_wrap=True)
        if host not in (LOOPBACK, "localhost", "::1"):
            notes.print(f"[bold]listening on {host}: whoever reaches it reads the store, there is no password[/]")
        console.print("[dim]Ctrl-C stops the server[/dim]")
        if open_:
            webbrowser.open(served.url)
        served.wait()
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        served.stop()
