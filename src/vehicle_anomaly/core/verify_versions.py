"""The use case: find out whether what a store has is what was published."""

from collections.abc import Callable
from dataclasses import dataclass

from vehicle_anomaly.core.errors import DamagedModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelArchive


@dataclass(frozen=True, slots=True)
class VerifyVersionsCommand:
    """Verify one version of a model, or all."""

    model_name: ModelName
    model_version: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class VerifiedVersion:
    """What was found.

    Attributes:
        model_version: The version; or `LATEST`, when that is damaged.
        size: Bytes of its files; 0 when it is damaged.
        damage: What is wrong; None when all of it is what was published.
    """

    model_version: str
    size: int
    damage: str | None


@dataclass(frozen=True, slots=True)
class VerifyVersions:
    """Reads every file of every version and compares it with what its manifest lists."""

    models: ModelArchive

    def __call__(
        self, command: VerifyVersionsCommand, progress: Callable[[int, int], None] = lambda _, __: None
    ) -> list[VerifiedVersion]:
        """Verify.

        Args:
            command: What to verify.
            progress: Told how many versions are done, and of how many.

        Returns:
            What was found, a version each, the newest first.

        Raises:
            UnknownModel: There is no version of the model.
            UnknownModelVersion: There is no such version.
            ModelStoreUnavailable: The store is out of reach.
        """
        name, found = command.model_name, []
        if command.model_version is not None:
            versions = [command.model_version]
        else:
            known = self.models.versions(name)
            versions = [each.model_version for each in known.versions]
            found = [VerifiedVersion(each.model_version, 0, each.reason) for each in known.damaged]
        verified = []
        for number, version in enumerate(versions):
            progress(number, len(versions))
            verified.append(self._verify(name, version))
        progress(len(versions), len(versions))
        return verified + found

    def _verify(self, name: ModelName, version: ModelVersion) -> VerifiedVersion:
        try:
            self.models.load(name, version)
            return VerifiedVersion(version.value, self.models.files(name, version).size, None)
        except DamagedModel as error:
            return VerifiedVersion(version.value, 0, error.reason)
