"""Say in plain figures what a data set holds."""

from typing import Any

from brainalign.betas.dataset import FmriDataset


def describe(dataset: FmriDataset) -> dict[str, Any]:
    """Say in JSON what a data set holds: source, labels by type, subjects with accuracy, voxels, what was dropped.

    Parameters
    ----------
    dataset : FmriDataset

    Returns
    -------
    dict
        ``accuracy`` is the share of the kept problems that a subject had a trial with and solved; ``accuracy_by_type``
        the same by type.
    """
    problems, betas = dataset.problems, dataset.betas
    labels = {
        name: {
            "true": int((problems.labels & (problems.types == name)).sum()),
            "false": int((~problems.labels & (problems.types == name)).sum()),
        }
        for name in dataset.types
    }
    subjects = [
        {
            "subject": subject,
            "accuracy": float(betas.correct[place][betas.seen[place]].mean()),
            "accuracy_by_type": {
                name: float(betas.correct[place][betas.seen[place] & (problems.types == name)].mean())
                for name in dataset.types
                if (betas.seen[place] & (problems.types == name)).any()
            },
            "n_correct": int(betas.correct[place].sum()),
            "n_problems": int(betas.seen[place].sum()),
        }
        for place, subject in enumerate(betas.subjects)
    ]
    return {
        "source": dataset.source.kind,
        "simulated": dataset.source.kind == "simulated",
        "description": dataset.source.description,
        "location": dataset.source.location,
        "content_hash": dataset.source.content_hash,
        "wording": dataset.wording.source,
        "n_problems": len(problems),
        "n_true": int(problems.labels.sum()),
        "n_false": int((~problems.labels).sum()),
        "labels": labels,
        "subjects": subjects,
        "n_voxels": betas.n_voxels,
        "dropped": list(betas.dropped),
        "n_dropped_problems": dataset.n_dropped_problems,
    }
